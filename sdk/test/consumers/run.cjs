// A job as a CommonJS program does it: `node run.cjs pg`. It reports to SYNCPROOF_URL and ends by itself.
const [, , name] = process.argv
const job = require(`./jobs/${name}.cjs`)
job(async (specifier) => require(specifier), 'cjs')
