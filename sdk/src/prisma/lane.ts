/** Keeps calls of different owners from being sent together.
 *
 *  Prisma collects the findUnique calls of one tick and sends them as one statement, or one after the other, in
 *  the asynchronous context of the first. A statement would then be seen in another operation than the one that
 *  asked for it. So a tick belongs to one owner; a call of another waits for the next. */
export class Lane {
  #owner: object | undefined
  #waiting: Waiting[] = []

  /** @returns undefined where the call may go on at once, which is the usual case */
  enter(owner: object): Promise<void> | undefined {
    if (this.#owner === undefined) {
      this.#take(owner)
      return undefined
    }
    if (this.#owner === owner) return undefined
    return new Promise((go) => this.#waiting.push({ owner, go }))
  }

  /** What is called in a tick has been sent when the next immediate runs. */
  #take(owner: object): void {
    this.#owner = owner
    setImmediate(() => this.#leave())
  }

  #leave(): void {
    this.#owner = undefined
    const [first] = this.#waiting
    if (!first) return
    this.#take(first.owner)
    const released = this.#waiting.filter(({ owner }) => owner === first.owner)
    this.#waiting = this.#waiting.filter(({ owner }) => owner !== first.owner)
    for (const { go } of released) go()
  }
}

interface Waiting {
  readonly owner: object
  readonly go: () => void
}
