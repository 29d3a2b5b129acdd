// What the component exports, under the names of `wit/client.wit`, and the little
// that JavaScript needs beside it.

import { client } from './component/mllp_client.js';

export const { ConnectOptions, MllpClient, SendOptions, TlsOptions, connectionsSetAside } = client;

export function failureOf(error) {
  const failure = error instanceof Error ? error.payload : undefined;
  return typeof failure?.explanation === 'string' ? failure : undefined;
}

// From here, since a program that has the shim in two versions would deny the other one.
export {
  _denyTcp as denyTcp,
  _denyDnsLookup as denyNameLookups,
} from '@bytecodealliance/preview2-shim/sockets';
