export interface SayOnce {
  say(line: string): void
  /** Tells the counts that are still open, and says nothing more. */
  close(): void
}

interface Spell {
  repeats: number
  readonly timer: NodeJS.Timeout
}

/** Spells that are counted at once; what comes beyond is said each time. */
const SPELLS_MAX = 100

/** Says a line once while it keeps coming back, and when it has stayed away for `quietMs`, how often it came: a
 *  database that is away makes a worker fail several times a second, always for the same reason. Lines that differ
 *  in nothing but the job or lane that they name are the same. */
export function sayOnce(out: (line: string) => void, quietMs: number): SayOnce {
  const spells = new Map<string, Spell>()
  const end = (key: string, { repeats, timer }: Spell) => {
    clearTimeout(timer)
    spells.delete(key)
    if (repeats > 0) out(`${key} (${repeats} more ${repeats === 1 ? 'time' : 'times'}, and not any more)`)
  }
  return {
    say(line) {
      const key = line.replace(/\b(job|lane) [^\s.:]+/g, '$1 …')
      const spell = spells.get(key)
      if (spell !== undefined) {
        spell.repeats += 1
        spell.timer.refresh()
        return
      }
      out(line)
      if (spells.size >= SPELLS_MAX) return
      const timer = setTimeout(() => {
        const ended = spells.get(key)
        if (ended) end(key, ended)
      }, quietMs)
      // a process that has nothing else to do may end
      spells.set(key, { repeats: 0, timer: timer.unref() })
    },
    close() {
      for (const [key, spell] of spells) end(key, spell)
    },
  }
}
