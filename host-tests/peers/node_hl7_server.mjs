// An MLLP receiver made of npm's node-hl7-server, for the tests.
//
//   node node_hl7_server.mjs [as common.mjs says]
//
// LENGTH is that of what the library hands over, which is without the last CR.
import { announce, endWithInput, load, onLoopback, options, received, refused } from './common.mjs'

const asked = options()
const { Server } = load('node-hl7-server', asked)

// It hands its bindAddress to listen() as `hostname`, a name net does not know,
// and so listens on every address.
onLoopback()
const server = new Server({ bindAddress: '127.0.0.1' })
const inbound = server.createInbound({ port: 0, encoding: asked.encoding }, async (req, res) => {
  const message = req.getMessage()
  received(message.get('MSH.10').toString(), message.toString(), asked)
  await res.sendResponse(asked.code)
})
announce(inbound._socket)
for (const event of ['error', 'data.error', 'client.error']) {
  inbound.on(event, refused)
}
endWithInput()
