import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsResults } from '../../../src/core/tls.ts';
import { formatReport, parseReportRecord, reportFileName } from '../../../src/grammar/tls-report.ts';
import fc from '../../props/fast-check.ts';

const reporter = { organization: 'Company-X', contact: 'sts-reporting@company-x.example', me: 'mx.company-x.example' };

test('the record names whom to tell', () => {
  for (const [texts, wanted] of [
    [['v=TLSRPTv1;rua=mailto:reports@example.com'], ['reports@example.com']],
    [['v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt'], ['https://reporting.example.com/v1/tlsrpt']],
    [['v=spf1 -all', 'v=TLSRPTv1; rua=mailto:a@example.com,https://b.example/; ext=1'], ['a@example.com', 'https://b.example/']],
    [['v=TLSRPTv1; rua=mailto:a%2Bb@example.com'], ['a+b@example.com']],
    [['v=TLSRPTv1; rua=http://b.example/,mailto:a@example.com'], ['a@example.com']],
    [['v=TLSRPTv1; rua=mailto:a@example.com?subject=x'], ['a@example.com']],
    [['v=TLSRPTv1;'], null], [['v=TLSRPTv1; rua='], null], [['v=TLSRPTv1; rua=mailto:nobody'], null], [['v=TLSRPTv1; rua=mailto:a@b,mailto:%ZZ'], ['a@b']],
    [['v=TLSRPTv1; rua=https://u:p@b.example/'], null], [['v=TLSRPTv2; rua=mailto:a@example.com'], null], [[], null],
    [['v=TLSRPTv1; rua=mailto:a@example.com', 'v=TLSRPTv1; rua=mailto:b@example.com'], null],
    [['v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com'], null],
    [['v=TLSRPTv1; rua=mailto:a@example.com%0d%0aBcc:x@y'], null],
  ] as const) assert.deepEqual(parseReportRecord(texts)?.map(one => (one.kind === 'mailto' ? one.address : one.url)) ?? null, wanted, JSON.stringify(texts));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseReportRecord([`v=TLSRPTv1;${text}`, text])), { numRuns: 1000 });
});

test('a report, octet for octet (RFC 8460 §4.4, appendix B)', () => {
  const results: TlsResults = {
    day: '2016-04-01', domain: 'company-y.example',
    policies: [
      {
        kind: 'sts', lines: ['version: STSv1', 'mode: testing', 'mx: *.mail.company-y.example', 'max_age: 86400'], mxHosts: ['*.mail.company-y.example'], successes: 5326, failures: 303,
        details: [
          { type: 'certificate-expired', why: 'CERT_HAS_EXPIRED', mx: 'mx1.mail.company-y.example', address: '2001:db8:abcd:12::1', count: 100 },
          { type: 'starttls-not-supported', why: 'STARTTLS is not offered', mx: 'mx2.mail.company-y.example', count: 203 },
        ],
      },
      { kind: 'tlsa', lines: ['3 1 1 00ff'], successes: 1, failures: 0, details: [] },
      { kind: 'no-policy-found', lines: [], successes: 2, failures: 0, details: [] },
    ],
  };
  assert.equal(formatReport(results, reporter), `{"organization-name":"Company-X","date-range":{"start-datetime":"2016-04-01T00:00:00Z","end-datetime":"2016-04-01T23:59:59Z"},"contact-info":"sts-reporting@company-x.example","report-id":"2016-04-01.company-y.example@mx.company-x.example","policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: *.mail.company-y.example","max_age: 86400"],"policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},"summary":{"total-successful-session-count":5326,"total-failure-session-count":303},"failure-details":[{"result-type":"certificate-expired","receiving-mx-hostname":"mx1.mail.company-y.example","receiving-ip":"2001:db8:abcd:12::1","failed-session-count":100,"failure-reason-code":"CERT_HAS_EXPIRED"},{"result-type":"starttls-not-supported","receiving-mx-hostname":"mx2.mail.company-y.example","failed-session-count":203,"failure-reason-code":"STARTTLS is not offered"}]},{"policy":{"policy-type":"tlsa","policy-string":["3 1 1 00ff"],"policy-domain":"company-y.example"},"summary":{"total-successful-session-count":1,"total-failure-session-count":0}},{"policy":{"policy-type":"no-policy-found","policy-domain":"company-y.example"},"summary":{"total-successful-session-count":2,"total-failure-session-count":0}}]}\n`);
  assert.equal(reportFileName(results, reporter), 'mx.company-x.example!company-y.example!1459468800!1459555199.json.gz');
});
