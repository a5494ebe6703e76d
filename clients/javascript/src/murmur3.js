/**
 * MurmurHash3 (x86, 32 bits, seed 0), unsigned.
 *
 * @param {Uint8Array} bytes
 * @returns {number} From 0 to 2^32 - 1.
 */
export function murmur3(bytes) {
  const tail = bytes.length & ~3;
  let state = 0;
  for (let at = 0; at < tail; at += 4) {
    state ^= scramble(littleEndian(bytes, at));
    state = (Math.imul(rotate(state, 13), 5) + 0xe6546b64) | 0;
  }
  // Beyond the end there are zeros, and zeros change nothing.
  state ^= scramble(littleEndian(bytes, tail)) ^ bytes.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function littleEndian(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function scramble(block) {
  return Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(value, by) {
  return (value << by) | (value >>> (32 - by));
}
