/** json-server 0.17 brings no types: the little of its module interface that is used here. */
declare module 'json-server' {
  import type { Server } from 'node:http'

  type Handler = unknown
  interface Application {
    use(handler: Handler): void
    listen(port: number, host: string, listening: () => void): Server
  }
  const jsonServer: {
    create(): Application
    defaults(options: { logger: boolean }): Handler
    bodyParser: Handler
    router(data: Record<string, unknown>): Handler
  }
  export default jsonServer
}
