import type { Failure } from './component/interfaces/hl7-mllp-types.js';

export type * from './component/interfaces/hl7-mllp-types.js';
export {
  ConnectOptions,
  MllpClient,
  SendOptions,
  TlsOptions,
  connectionsSetAside,
} from './component/interfaces/hl7-mllp-client.js';

/**
 * What failed, and what is known about the message, where one of these classes
 * threw `error`; `undefined` for any other.
 */
export function failureOf(error: unknown): Failure | undefined;

/** From now on no client of this process connects: `access-denied`, of TCP addresses. */
export function denyTcp(): void;

/** From now on no client of this process looks up a name: `access-denied`. */
export function denyNameLookups(): void;
