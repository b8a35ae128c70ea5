/** A field of a form: its name and its bytes; files have a name of their own. */
export interface Field {
  readonly name: string;
  readonly value: Buffer | string;
  readonly filename?: string;
}

/** A form as clients write it. */
export function formOf(boundary: string, fields: readonly Field[]): Buffer {
  const parts = fields.map(({ name, value, filename }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: audio/wav`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')]);
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

export function typeOf(boundary: string): string {
  return `multipart/form-data; boundary=${boundary}`;
}
