// OpenFeature's client for browsers, in Node: tells what it knows on each line, and takes contexts from its input.
import { createInterface } from 'node:readline';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const { url, token, flag, context, options } = JSON.parse(process.argv[2]);
const tell = (what) => console.log(JSON.stringify(what));

const fetchImplementation = async (request) => {
  const answer = await fetch(request);
  tell({ status: answer.status, conditional: request.headers.has('If-None-Match') });
  return answer;
};

const evaluation = () => {
  const { value, variant, reason, errorCode, flagMetadata } = client.getBooleanDetails(flag, false);
  return { value, variant, reason, errorCode, metadata: flagMetadata };
};

const client = OpenFeature.getClient();
for (const event of [ProviderEvents.ConfigurationChanged, ProviderEvents.Stale, ProviderEvents.Error]) {
  client.addHandler(event, (details) => tell({ event, changed: details.flagsChanged, ...evaluation() }));
}
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    await OpenFeature.setContext(JSON.parse(line));
    tell({ event: 'context', ...evaluation() });
  })
  .on('close', () => process.exit(0));

await OpenFeature.setContext(context);
const headers = token ? [['Authorization', `Bearer ${token}`]] : [];
const provider = new OFREPWebProvider({ baseUrl: url, headers, fetchImplementation, cacheMode: 'disabled', ...options });
try {
  await OpenFeature.setProviderAndWait(provider);
  tell({ event: 'ready', ...evaluation() });
} catch (error) {
  tell({ event: 'failed', code: error.code, message: error.message });
}
