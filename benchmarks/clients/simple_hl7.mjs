// npm `simple-hl7`: a message parsed once, its TCP client with keepalive.
import { end, expectPositive, host, load, message, messages, port } from './common.mjs'

const hl7 = load('simple-hl7')

const outgoing = new hl7.Parser({ segmentSeperator: '\r' }).parse(message.toString('latin1'))
const client = hl7.Server.createTcpClient({ host, port, keepalive: true })
let left = messages
const acknowledged = (error, acknowledgment) => {
  if (error) {
    end(error)
  }
  expectPositive(acknowledgment.getSegment('MSA').getField(1))
  left -= 1
  // It takes the next only when this has returned.
  left === 0 ? end() : process.nextTick(send)
}
const send = () => client.send(outgoing, acknowledged)
send()
