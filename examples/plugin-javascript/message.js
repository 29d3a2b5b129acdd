// The message as bytes, in whatever charset it is: segments, fields and components,
// and no more of HL7 than routing and addressing need.

import { unfit } from './next.js';

const CARRIAGE_RETURN = 0x0d;
const Z = 0x5a;

// Where fields stand in an MSH segment split at MSH-1, which is itself the separator:
// one place before their numbers.
const ENCODING_CHARACTERS = 1;
const SENDING_FACILITY = 3;
const RECEIVING_APPLICATION = 4;
const RECEIVING_FACILITY = 5;
const MESSAGE_TYPE = 8;

// Reads the MSH segment. One letter a byte, whatever the charset: back and forth nothing
// changes.
export function readHeader(message) {
  const text = letters(message.subarray(0, segmentEnd(message, 0)));
  if (!text.startsWith('MSH') || text.length < 5) {
    throw unfit('the message does not begin with an MSH segment');
  }
  const fieldSeparator = text[3];
  const componentSeparator = text[4];
  const fields = text.replace(/\r$/, '').split(fieldSeparator);
  if (fields.length <= MESSAGE_TYPE) throw unfit('the message has no MSH-9');
  return {
    fields,
    fieldSeparator,
    facility: fields[SENDING_FACILITY],
    type: fields[MESSAGE_TYPE].split(componentSeparator),
  };
}

// The message for this application (MSH-5) at this facility (MSH-6), without the
// segments that are no part of HL7 (names beginning with Z).
export function addressed(message, { fields, fieldSeparator }, { application, facility }) {
  const separators = fieldSeparator + fields[ENCODING_CHARACTERS];
  if ([...(application + facility)].some((letter) => separators.includes(letter))) {
    throw unfit("the receiver's name contains a separator of the message");
  }
  const header = fields
    .with(RECEIVING_APPLICATION, application)
    .with(RECEIVING_FACILITY, facility)
    .join(fieldSeparator);
  const pieces = [Uint8Array.from(`${header}\r`, (letter) => letter.charCodeAt(0))];
  for (let at = segmentEnd(message, 0); at < message.length; ) {
    const end = segmentEnd(message, at);
    if (message[at] !== Z) pieces.push(message.subarray(at, end));
    at = end;
  }
  return joined(pieces);
}

// What the settings say, in the same way.
export function asBytes(text) {
  return letters(new TextEncoder().encode(text));
}

function letters(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

// Where the segment that begins at `at` ends, its carriage return included. Not at line
// feeds: some senders have them inside fields.
function segmentEnd(message, at) {
  const end = message.indexOf(CARRIAGE_RETURN, at);
  return end < 0 ? message.length : end + 1;
}

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
