/** The interface that Zod, Valibot, ArkType and others share, as far as it is used here (standardschema.dev,
 *  version 1). Copied, as its authors mean it to be: no library has to be there. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>
  }
}

export interface SchemaResult {
  readonly issues?: readonly SchemaIssue[] | undefined
}

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
