// What the clients made of npm's packages, and of Node alone, have in common.
//
//   node SCRIPT --host HOST --port PORT --messages N --message FILE --peers FOLDER [--ca FILE]
//
// Each sends the message N times over one connection, the next when the acknowledgment
// is there, and ends with status 0 if every one was positive. Nothing is printed of
// what was sent or came.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string' },
    messages: { type: 'string' },
    message: { type: 'string' },
    peers: { type: 'string' },
    ca: { type: 'string' }
  }
})

export const { host, ca, peers } = values
export const port = Number(values.port)
export const messages = Number(values.messages)

/** The message's bytes. */
export const message = fs.readFileSync(values.message)

/** The package of this name that `host-tests/peers/install` put there. */
export function load (name) {
  return createRequire(path.resolve(peers, 'node', 'package.json'))(name)
}

/** What is trusted, and nothing else. */
export function trust () {
  return { ca: fs.readFileSync(ca), host }
}

/** Ends the process, and with a failure tells its kind alone. */
export function end (error) {
  if (error) {
    console.error(`failed: ${error.name ?? 'an error'}`)
  }
  process.exit(error ? 1 : 0)
}

export function expectPositive (code) {
  if (code !== 'AA') {
    end(new RangeError())
  }
}
