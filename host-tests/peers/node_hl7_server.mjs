// An MLLP receiver made of npm's node-hl7-server, for the tests.
//
//   node node_hl7_server.mjs [--code AA] [--peers FOLDER]
//
// FOLDER is where `install` put the packages (default: <repository>/target/peers).
// Prints "listening PORT", then "received CONTROL_ID LENGTH" for each message
// the library hands over (LENGTH: its bytes as the library gives it, which is
// without the last CR). Ends when its standard input reaches end of file.
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    code: { type: 'string', default: 'AA' },
    peers: {
      type: 'string',
      default: fileURLToPath(new URL('../../target/peers', import.meta.url))
    }
  }
})

const require = createRequire(path.resolve(values.peers, 'node', 'package.json'))
const { Server } = require('node-hl7-server')

// The library hands its bindAddress to listen() as `hostname`, a name net does
// not know, and so listens on every address. Give it the name net does know.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (options, ...rest) {
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...rest)
}

const server = new Server({ bindAddress: '127.0.0.1' })
// Latin-1 gives every byte a character: nothing is lost.
const inbound = server.createInbound({ port: 0, encoding: 'latin1' }, async (req, res) => {
  const message = req.getMessage()
  const text = message.toString()
  console.log(`received ${message.get('MSH.10').toString()} ${Buffer.byteLength(text, 'latin1')}`)
  await res.sendResponse(values.code)
})
inbound.on('listen', () => console.log(`listening ${inbound._socket.address().port}`))
for (const event of ['error', 'data.error', 'client.error']) {
  inbound.on(event, (error) => console.error(`${event}: ${error?.message ?? error}`))
}

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
