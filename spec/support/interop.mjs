// What node says of every .der file of a directory: one JSON object, { file: facts }.
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const [, , directory] = process.argv;
const result = {};
for (const file of readdirSync(directory)) {
  if (!file.endsWith('.der')) continue;
  const cert = new X509Certificate(readFileSync(`${directory}/${file}`));
  result[file] = {
    serial: cert.serialNumber.toLowerCase(),
    not_before: Date.parse(cert.validFrom) / 1000,
    not_after: Date.parse(cert.validTo) / 1000,
    fingerprint: cert.fingerprint256.replaceAll(':', '').toLowerCase(),
    ca: cert.ca,
    self_signed: cert.verify(cert.publicKey),
    names: cert.subjectAltName ?? null,
    purposes: cert.keyUsage ?? null,
    key: cert.publicKey.asymmetricKeyType,
  };
}
process.stdout.write(JSON.stringify(result));
