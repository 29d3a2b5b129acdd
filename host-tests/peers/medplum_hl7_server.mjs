// An MLLP receiver made of npm's @medplum/hl7, for the tests.
//
//   node medplum_hl7_server.mjs [--enhanced] [as common.mjs says]
//
// With --enhanced the library itself answers every message with CA first,
// whatever MSH-15 asks for; the acknowledgment with --code follows at once,
// whatever MSH-16 asks for. --code - sends none, which leaves the CA alone.
// LENGTH is that of what the library makes of its parsed message.
import { announce, endWithInput, load, onLoopback, options, received, refused } from './common.mjs'

const asked = options({ enhanced: { type: 'boolean', default: false } })
const { Hl7Server } = load('@medplum/hl7', asked)

onLoopback()
const server = new Hl7Server((connection) => {
  connection.addEventListener('message', ({ message }) => {
    received(message.header.getField(10).toString(), message.toString(), asked)
    if (asked.code !== '-') {
      connection.send(message.buildAck({ ackCode: asked.code }))
    }
  })
  // What it cannot parse it reports here, and answers with nothing.
  connection.addEventListener('error', ({ error }) => refused(error))
})
server.start(0, asked.encoding, asked.enhanced)
announce(server.server)
endWithInput()
