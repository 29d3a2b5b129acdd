// An MLLP receiver made of npm's simple-hl7, for the tests.
//
//   node simple_hl7_server.mjs [as common.mjs says]
//
// CONTROL_ID is what the library takes MSH-10 to be, which with other separators
// than the usual ones is empty. LENGTH is that of the content between the
// framing bytes.
import { announce, endWithInput, load, onLoopback, options, received, refused } from './common.mjs'

const asked = options()
const { tcp } = load('simple-hl7', asked)

const app = tcp()
app.use((req, res, next) => {
  received(req.msg.header.getField(8), req.raw.slice(1, -2), asked)
  // The library's acknowledgment says AA; its README changes that in this way.
  res.ack.getSegment('MSA').setField(1, asked.code)
  res.end()
})
// It calls this with the error of a handler that was handed no message: what it
// cannot parse, and a broken connection, are answered with nothing.
app.use((error, req, res, next) => refused(error))

onLoopback()
announce(app.start(0, asked.encoding).server)
endWithInput()
