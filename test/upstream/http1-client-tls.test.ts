import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Http1Client } from '../../src/upstream/http1-client.ts';
import { clientSuite } from './client-suite.ts';

const folder = new URL('../fixtures/tls/', import.meta.url);
const credentials = {
  cert: readFileSync(new URL('cert.pem', folder), 'utf8'),
  key: readFileSync(new URL('key.pem', folder), 'utf8'),
};

tls.setDefaultCACertificates([credentials.cert]);

// Where the bytes are cut makes no difference below TLS, and each of its connections is dear.
clientSuite({ name: 'https', create: () => new Http1Client(), credentials, stride: 13 });
