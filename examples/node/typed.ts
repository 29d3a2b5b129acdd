// Compiled by `npm run types`, not run: that the package's types say what it does.

import { ConnectOptions, MllpClient, failureOf } from 'mllp-client';
import type { Cause, Delivery, Reply, Verdict } from 'mllp-client';

export function send(host: string, port: number, message: Uint8Array): Verdict | Delivery {
  const options = new ConnectOptions(host, port);
  options.setTimeout(5_000);
  try {
    const client = MllpClient.connect(options);
    const reply: Reply = client.send(message);
    client.close();
    return reply.verdict;
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    const cause: Cause = failure.cause;
    return cause.tag === 'access-denied' ? 'not-sent' : failure.delivery;
  }
}

// @ts-expect-error The port is a number.
new ConnectOptions('127.0.0.1', '2575');

// @ts-expect-error A client comes from `connect`.
new MllpClient();
