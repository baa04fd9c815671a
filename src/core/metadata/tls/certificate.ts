// SPDX-License-Identifier: BSD-3-Clause
const HANDSHAKE = 22;
const RECORD_HEADER = 5;
const CERTIFICATE = 11;
/** Type and length of the message, length of the list, length of the first certificate. */
const HEADERS = 10;
/** ASN.1's tag of a sequence, as which each certificate begins. */
const SEQUENCE = 0x30;

const uint24 = (view: DataView, at: number): number =>
  (view.getUint16(at) << 8) | view.getUint8(at + 2);

/**
 * Whether a Certificate message follows a ServerHello at `at` whose first certificate is none: not a DER sequence
 * that fills its place (RFC 5246 section 7.4.2). False where that cannot be seen: TLS 1.3 enciphers it.
 * @param recordEnd offset behind the record that the ServerHello is in
 */
export function hasBrokenCertificate(
  view: DataView,
  at: number,
  recordEnd: number,
  end: number,
): boolean {
  let from = at;
  if (from === recordEnd) {
    if (from + RECORD_HEADER > end || view.getUint8(from) !== HANDSHAKE) return false;
    from += RECORD_HEADER;
  }
  const certificate = from + HEADERS;
  if (certificate + 4 > end || view.getUint8(from) !== CERTIFICATE) return false;
  const size = uint24(view, from + 7);
  if (size + 3 > uint24(view, from + 4) || view.getUint8(certificate) !== SEQUENCE) return true;
  return sequenceSize(view, certificate) !== size;
}

/** Bytes of a DER sequence, header included; its first four are there. -1 when its length is written otherwise. */
function sequenceSize(view: DataView, at: number): number {
  const first = view.getUint8(at + 1);
  if (first < 0x80) return 2 + first;
  if (first === 0x81) return 3 + view.getUint8(at + 2);
  return first === 0x82 ? 4 + view.getUint16(at + 2) : -1;
}
