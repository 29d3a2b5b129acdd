// What the receivers made of npm's packages have in common.
//
//   node SCRIPT [--code AA] [--encoding latin1] [--peers FOLDER]
//
// FOLDER is where `install` put the packages (default: <repository>/target/peers).
// Each prints "listening PORT", then "received CONTROL_ID LENGTH" for each
// message that the library hands over, and ends when its standard input reaches
// end of file.
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** The arguments; `more` are those of one receiver alone. */
export function options (more = {}) {
  const { values } = parseArgs({
    options: {
      code: { type: 'string', default: 'AA' },
      // Latin-1 gives every byte a character: nothing is lost. Every library's own is UTF-8.
      encoding: { type: 'string', default: 'latin1' },
      peers: {
        type: 'string',
        default: fileURLToPath(new URL('../../target/peers', import.meta.url))
      },
      ...more
    }
  })
  return values
}

/** The package of this name that `install` put there. */
export function load (name, { peers }) {
  return createRequire(path.resolve(peers, 'node', 'package.json'))(name)
}

/** Has whatever listens from now on listen on 127.0.0.1 alone: no library can be told so. */
export function onLoopback () {
  const { listen } = net.Server.prototype
  net.Server.prototype.listen = function (given, ...rest) {
    const options = typeof given === 'object' ? given : { port: given }
    return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest)
  }
}

/** Says where this server listens, once it does. */
export function announce (server) {
  const say = () => console.log(`listening ${server.address().port}`)
  server.listening ? say() : server.once('listening', say)
}

export function received (controlId, content, { encoding }) {
  console.log(`received ${controlId} ${Buffer.byteLength(content, encoding)}`)
}

/** Content is patient data: of what goes wrong, only the kind is said. */
export function refused (error) {
  console.error(`refused: ${error?.name ?? 'an error'}`)
}

export function endWithInput () {
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
}
