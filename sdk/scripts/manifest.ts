/** The part of the workspace's package.json that says what is published. */
export interface SourceManifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  /** Subpath to source file: `./pg` → `./src/pg/index.ts`. */
  readonly exports: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>
}

/** Name of the built files of a subpath: `.` → `index`, `./pg` → `pg`. */
export function outputName(subpath: string): string {
  return subpath === '.' ? 'index' : subpath.slice('./'.length)
}

/** The package.json that is published: each subpath for ESM and for CJS, each with declarations of its own, for
 *  TypeScript takes a declaration's format from its name. */
export function publishedManifest(source: SourceManifest): object {
  const { name, version, description, license, engines, dependencies } = source
  return {
    name,
    version,
    description,
    keywords: ['consistency', 'sync', 'lost update', 'race condition', 'observability', 'postgresql'],
    license,
    type: 'module',
    sideEffects: false,
    engines,
    main: './index.cjs',
    module: './index.js',
    types: './index.d.cts',
    exports: {
      ...Object.fromEntries(
        Object.keys(source.exports).map((subpath) => [subpath, conditions(outputName(subpath))]),
      ),
      './package.json': './package.json',
    },
    ...(dependencies && { dependencies }),
    peerDependencies: source.peerDependencies,
    peerDependenciesMeta: source.peerDependenciesMeta,
  }
}

function conditions(output: string): object {
  return {
    import: { types: `./${output}.d.ts`, default: `./${output}.js` },
    require: { types: `./${output}.d.cts`, default: `./${output}.cjs` },
  }
}
