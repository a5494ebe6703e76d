// A visit of a page that keeps flags in its browser's storage: tells the first value that the page sees, and ends.
import { OpenFeature } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const { url, token, flag, context, options } = JSON.parse(process.argv[2]);

await OpenFeature.setContext(context);
const headers = [['Authorization', `Bearer ${token}`]];
const provider = new OFREPWebProvider({ baseUrl: url, headers, changeDetection: 'polling', ...options });
let failed;
try {
  await OpenFeature.setProviderAndWait(provider);
} catch (error) {
  failed = error.message;
}
const { value, reason } = OpenFeature.getClient().getBooleanDetails(flag, false);
console.log(JSON.stringify({ event: 'first', value, reason, failed }));
process.exit(0);
