/** Ranges of IPv4 that are no public host's: IANA's special-purpose registry, multicast and what is reserved. */
const V4_NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Azure's own services for a machine, its secrets among them: a public address that never leaves the machine's host.
  '168.63.129.16/32',
  // Link-local, where clouds keep a machine's secrets.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(range);

/** All of IPv6 that is given to public hosts. Loopback, local, mapped, NAT64 and multicast addresses are outside. */
const V6_PUBLIC = range('2000::/3');

const V6_NOT_PUBLIC = [
  // IETF's own assignments: Teredo, benchmarks, ORCHID.
  '2001::/23',
  '2001:db8::/32',
  // 6to4: an IPv4 address, which may be any, inside.
  '2002::/16',
  '3fff::/20',
].map(range);

/**
 * Whether an IP address is one of the public internet: neither local, private, multicast or reserved, nor a way of
 * writing such an IPv4 address in IPv6. Takes the standard spellings alone; any other text is not public.
 */
export function isPublicAddress(text: string): boolean {
  const v4 = v4Bits(text);
  if (v4 !== undefined) return !V4_NOT_PUBLIC.some((prefix) => v4.startsWith(prefix));
  const v6 = v6Bits(text);
  return v6?.startsWith(V6_PUBLIC) === true && !V6_NOT_PUBLIC.some((prefix) => v6.startsWith(prefix));
}

/** The bits, as text, with which every address of a range begins. */
function range(text: string): string {
  const [address = '', length] = text.split('/');
  const bits = v4Bits(address) ?? v6Bits(address) ?? '';
  return bits.slice(0, Number(length));
}

/** Four decimal numbers below 256 without leading zeros, as 32 bits; undefined for anything else. */
function v4Bits(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.map((part) => binary(Number(part), 8)).join('');
}

/** An IPv6 address of any length, perhaps with IPv4 at its end, as 128 bits; undefined for anything else. */
function v6Bits(text: string): string | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  // IPv4 may stand at the end of all only.
  const before = groupBits(head, tail === undefined);
  const after = groupBits(tail ?? '', true);
  if (before === undefined || after === undefined) return undefined;
  if (tail === undefined) return before.length === 128 ? before : undefined;
  const missing = 128 - before.length - after.length;
  // RFC 4291 lets `::` stand for one group or more.
  return missing >= 16 ? before + '0'.repeat(missing) + after : undefined;
}

function groupBits(text: string, mayEndInV4: boolean): string | undefined {
  if (text === '') return '';
  const groups = text.split(':');
  const bits = groups.map((group, i) => {
    if (/^[0-9a-f]{1,4}$/i.test(group)) return binary(Number.parseInt(group, 16), 16);
    return mayEndInV4 && i === groups.length - 1 ? v4Bits(group) : undefined;
  });
  return bits.includes(undefined) ? undefined : bits.join('');
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, '0');
}
