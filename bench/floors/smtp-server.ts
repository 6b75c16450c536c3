/** The floor under receiving with smtp-server: the package as it comes, discarding everything. */
import { SMTPServer } from 'smtp-server';
import { listen } from '../../test/props/ports.ts';

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  disableReverseLookup: true,
  logger: false,
  onData(stream, _session, done) {
    stream.on('end', () => done()).resume();
  },
});
server.on('error', () => undefined);

process.stdout.write(`${await listen(server.server)}\n`);
