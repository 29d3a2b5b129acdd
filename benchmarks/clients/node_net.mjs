// Bare Node: a socket, a frame made beforehand, and a look for the acknowledgment's end.
import net from 'node:net'
import tls from 'node:tls'
import { ca, end, expectPositive, host, message, messages, port, trust } from './common.mjs'

const frame = Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([0x1c, 0x0d])])
let left = messages
let parts = []

const begin = () => socket.write(frame)
const socket = ca
  ? tls.connect({ port, ...trust() }, begin)
  : net.connect({ host, port }, begin)
socket.setNoDelay(true)
socket.on('error', end)
socket.on('close', () => end(new Error()))
socket.on('data', (part) => {
  parts.push(part)
  if (part.at(-1) !== 0x0d || (part.length > 1 && part.at(-2) !== 0x1c)) {
    return
  }
  const reply = parts.length === 1 ? part : Buffer.concat(parts)
  parts = []
  const code = reply.indexOf('\rMSA|')
  expectPositive(reply.toString('latin1', code + 5, code + 7))
  left -= 1
  left === 0 ? end() : socket.write(frame)
})
