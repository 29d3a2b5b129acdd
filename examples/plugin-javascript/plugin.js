// The plugin of ../plugin-rust once more, in JavaScript: it addresses a message to
// the receiver that its route names, drops what is local to the sender, and sends it
// by `hl7:mllp/client`. Nothing is logged: what there is to tell is returned.

import { ConnectOptions, MllpClient, TlsOptions } from 'hl7:mllp/client@0.1.0';
import { addressed, asBytes, readHeader } from './message.js';
import { outcomeOf, problemOf, unfit } from './next.js';

// The platform hands a message in again later: long trying here would only keep it
// from its other messages.
const CONNECT_TRIES = 3;

class Channel {
  #receivers;
  #routes;
  // By the receiver's name; a connection stays between messages.
  #clients = new Map();

  constructor({ receivers, routes }) {
    this.#receivers = new Map(receivers.map((receiver) => [receiver.name, receiver]));
    this.#routes = routes;
  }

  static open(settings) {
    const channel = new Channel(settings);
    for (const { name, application, facility } of settings.receivers) {
      // They go into every message: a separator, or a letter that the message's charset
      // has not, would break it.
      if (!/^[A-Za-z0-9._-]*$/.test(application + facility)) {
        throw `the address of ${name} has more than letters, digits, points, hyphens and underscores`;
      }
    }
    for (const { receiver } of settings.routes) {
      if (!channel.#receivers.has(receiver)) {
        throw `a route leads to ${receiver}, who is unknown`;
      }
    }
    return channel;
  }

  handle(message) {
    const header = readHeader(message);
    const receiver = this.#receiverOf(header);
    const content = addressed(message, header, receiver);
    try {
      return outcomeOf(receiver, this.#clientOf(receiver).send(content));
    } catch (error) {
      throw problemOf(receiver, error);
    }
  }

  #receiverOf({ type, facility }) {
    const route = this.#routes.find(
      ({ messageType, sendingFacility }) =>
        (messageType === undefined || isOfType(type, messageType)) &&
        (sendingFacility === undefined || asBytes(sendingFacility) === facility),
    );
    if (route === undefined) throw unfit('no route fits the message');
    return this.#receivers.get(route.receiver);
  }

  #clientOf(receiver) {
    let client = this.#clients.get(receiver.name);
    if (client === undefined) {
      client = MllpClient.connect(optionsFor(receiver));
      // From now on it connects anew by itself where it has to.
      this.#clients.set(receiver.name, client);
    }
    return client;
  }
}

// `ADT` is all of its events, `ADT^A01` is one.
function isOfType(type, wanted) {
  return asBytes(wanted).split('^').every((component, at) => component === type[at]);
}

function optionsFor({ host, port, timeout, tls, discardsHalfFrames }) {
  const options = new ConnectOptions(host, port);
  options.setTimeout(timeout);
  options.setReconnect(true);
  options.setReconnectAttempts(CONNECT_TRIES);
  if (discardsHalfFrames) options.setResend('cut-short');
  if (tls !== undefined) options.setTls(tlsOptionsFor(tls));
  return options;
}

function tlsOptionsFor({ authorities, identity }) {
  const options = new TlsOptions();
  if (authorities.length > 0) {
    options.addAuthorities(authorities);
    options.setOwnAuthoritiesOnly(true);
  }
  if (identity !== undefined) options.setIdentity(identity.chain, identity.key);
  return options;
}

export const channels = { Channel };
