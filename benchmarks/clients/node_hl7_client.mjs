// npm `node-hl7-client`: a message parsed once, its own connection and acknowledgment.
import { ca, end, expectPositive, host, load, message, messages, port, trust } from './common.mjs'

const { Client, Message } = load('node-hl7-client')

const outgoing = new Message({ text: message.toString('latin1') })
const client = new Client({ host, ...(ca && { tls: trust() }) })
let left = messages
const connection = client.createConnection({ port }, (response) => {
  expectPositive(response.getMessage().get('MSA.1').toString())
  left -= 1
  left === 0 ? end() : send()
})
connection.on('client.error', end)
const send = () => connection.sendMessage(outgoing).catch(end)
connection.on('connect', send)
