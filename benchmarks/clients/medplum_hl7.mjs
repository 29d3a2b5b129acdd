// npm `@medplum/hl7`: a message parsed once, `sendAndWait`.
import { end, expectPositive, host, load, message, messages, port } from './common.mjs'

const { Hl7Client } = load('@medplum/hl7')
const { Hl7Message } = load('@medplum/core')

const outgoing = Hl7Message.parse(message.toString('latin1'))
const client = new Hl7Client({ host, port })
try {
  for (let sent = 0; sent < messages; sent++) {
    const reply = await client.sendAndWait(outgoing)
    expectPositive(reply.getSegment('MSA').getField(1).toString())
  }
  end()
} catch (error) {
  end(error)
}
