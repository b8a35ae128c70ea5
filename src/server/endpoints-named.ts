/** The endpoints that a request's `x-nomyo-endpoint` headers name, as they came; undefined where there are none. */
export function endpointsNamed(headers: readonly string[]): string[] | undefined {
  const named: string[] = [];
  let found = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'x-nomyo-endpoint') continue;
    found = true;
    // Headers are bytes, and a name beyond ASCII comes as UTF-8.
    named.push(
      ...Buffer.from(headers[i + 1] ?? '', 'latin1')
        .toString('utf8')
        .split(','),
    );
  }
  return found ? named : undefined;
}
