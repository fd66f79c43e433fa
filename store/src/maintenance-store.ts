/** A time in which alerts are held back: they are told afterwards, where they still hold. */
export interface MaintenanceWindow {
  readonly id: string
  /** Null: all. */
  readonly pairs: readonly string[] | null
  readonly reason: string
  /** RFC 3339 */
  readonly starts_at: string
  readonly ends_at: string
  /** Named in the configuration. */
  readonly configured: boolean
}

export interface MaintenanceStore {
  /** Those that have not ended, first start first. */
  list(projectId: string): Promise<readonly MaintenanceWindow[]>
  /** Begins one now. @param forMs its length */
  start(
    projectId: string,
    window: {
      readonly pairs: readonly string[] | null
      readonly reason: string
      readonly forMs: number
    },
  ): Promise<MaintenanceWindow>
  /** Ends one that has not ended, or all of them. @returns those that were ended */
  end(projectId: string, id: string | undefined): Promise<readonly MaintenanceWindow[]>
  /** Makes the windows of the configuration these. One that was ended before its time stays so. */
  declare(projectId: string, windows: readonly Omit<MaintenanceWindow, 'id' | 'configured'>[]): Promise<void>
}
