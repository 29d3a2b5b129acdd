// MLLP receivers over Node's own TLS, for the tests.
//
//   node tls_receiver.mjs GROUPS
//
// GROUPS are those to agree keys in, with colons between them. Each line on standard input,
// "VERSION SUITE KEY SENDERS" ("-" for a suite of its own choice, and for no
// senders to be checked), starts one more receiver with KEY.chain.pem and
// KEY.key.pem, which checks senders against SENDERS.authority.pem. Prints
// "listening PORT" for it, then "received CONTROL_ID LENGTH" for each message,
// which is acknowledged with AA. Ends when its standard input reaches end of
// file.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import tls from 'node:tls'

const [groups] = process.argv.slice(2)

function listen ([version, suite, key, senders]) {
  const server = tls.createServer({
    minVersion: version,
    maxVersion: version,
    ciphers: suite === '-' ? undefined : suite,
    ecdhCurve: groups,
    cert: readFileSync(`${key}.chain.pem`),
    key: readFileSync(`${key}.key.pem`),
    ca: senders === '-' ? undefined : readFileSync(`${senders}.authority.pem`),
    requestCert: senders !== '-'
  }, serve)
  server.on('tlsClientError', (error) => console.error(`Node: ${error.message}`))
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))
}

function serve (socket) {
  let received = ''
  // Latin-1 gives every byte a character: nothing is lost.
  socket.setEncoding('latin1')
  socket.on('error', (error) => console.error(`Node: ${error.message}`))
  socket.on('data', (data) => {
    received += data
    for (let end; (end = received.indexOf('\x1c\r')) >= 0; received = received.slice(end + 2)) {
      acknowledge(socket, received.slice(1, end))
    }
  })
}

function acknowledge (socket, content) {
  const id = content.split('\r')[0].split('|')[9]
  console.log(`received ${id} ${content.length}`)
  socket.write(`\x0bMSH|^~\\&|NODE|LAB|S|W|20261123||ACK|R|T|2.5\rMSA|AA|${id}\r\x1c\r`)
}

createInterface({ input: process.stdin })
  .on('line', (line) => listen(line.split(' ')))
  .on('close', () => process.exit(0))
