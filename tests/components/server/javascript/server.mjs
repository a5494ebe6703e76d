// OpenFeature's client for servers: evaluates what its input asks for, a line each.
import { createInterface } from 'node:readline';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const { url, token } = JSON.parse(process.argv[2]);
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers: [['Authorization', `Bearer ${token}`]] }));
const client = OpenFeature.getClient();
const ask = {
  boolean: (...arguments_) => client.getBooleanDetails(...arguments_),
  string: (...arguments_) => client.getStringDetails(...arguments_),
  number: (...arguments_) => client.getNumberDetails(...arguments_),
  object: (...arguments_) => client.getObjectDetails(...arguments_),
};

console.log(JSON.stringify({ event: 'ready' }));
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { kind, flag, byDefault, context } = JSON.parse(line);
    console.log(JSON.stringify(await ask[kind](flag, byDefault, context)));
  })
  .on('close', () => process.exit(0));
