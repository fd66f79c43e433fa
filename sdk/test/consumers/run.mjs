// A job as an ESM program does it: `node run.mjs pg`. It reports to SYNCPROOF_URL and ends by itself.
const [, , name] = process.argv
const { default: job } = await import(`./jobs/${name}.cjs`)
await job((specifier) => import(specifier), 'esm')
