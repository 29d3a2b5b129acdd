// node send.mjs [--ca FILE] HOST:PORT FILE...
// Sends each file as one message, over one connection, with TLS if an authority is given.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConnectOptions, MllpClient, TlsOptions, failureOf } from 'mllp-client';

const { values, positionals } = parseArgs({
  options: { ca: { type: 'string' } },
  allowPositionals: true,
});
const [receiver, ...files] = positionals;
if (files.length === 0) {
  console.error('node send.mjs [--ca FILE] HOST:PORT FILE...');
  process.exit(2);
}
const { hostname, port } = new URL(`mllp://${receiver}`);

const options = new ConnectOptions(hostname, Number(port));
if (values.ca) {
  const tls = new TlsOptions();
  tls.addAuthorities(readFileSync(values.ca));
  options.setTls(tls);
}
try {
  const client = MllpClient.connect(options);
  for (const file of files) {
    const reply = client.send(readFileSync(file));
    console.log(`${file}  ${reply.verdict}`);
  }
  client.close();
} catch (error) {
  const failure = failureOf(error);
  if (!failure) throw error;
  console.error(`${failure.delivery}: ${failure.explanation}`);
  process.exitCode = 1;
}
