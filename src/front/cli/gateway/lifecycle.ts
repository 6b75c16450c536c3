/** start, stop, restart, check: the gateway as a whole. */
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, type Command } from '../command.ts';
import { runningGateway } from '../queue-access.ts';

export const start: Command = {
  name: 'start',
  summary: 'run the gateway in the foreground',
  help: `start

Runs until SIGTERM or SIGINT: what is on the wire is finished, then it ends. SIGHUP reads the configuration again
and takes it as a whole, or keeps the old one and says why; log files are begun anew either way. Log lines go to
standard output as JSON, unless the file log says otherwise; the line with "event":"ready" names the listeners.

Exit status: 0 after an orderly stop; 78 when the configuration is wrong; 69 when a port or the state folder is taken.`,
  async run(args, context) {
    readArguments({ args: [...args] });
    const configuration = await configurationOf(context);
    return configuration === null ? exits.configuration : context.rooms.start(configuration, context.folder);
  },
};

export const stop: Command = {
  name: 'stop',
  summary: 'stop the gateway that runs on this configuration',
  help: `stop

As SIGTERM: what is on the wire is finished. Returns when the gateway no longer answers.

Exit status: 0, also when none was running.`,
  async run(args, context) {
    readArguments({ args: [...args] });
    const running = await runningGateway(context);
    if (running === null) {
      await print(context.stdout, 'No gateway is running here.');
      return exits.ok;
    }
    await running.stop();
    for (let waited = 0; waited < STOP_WAIT_MS; waited += STOP_STEP_MS) {
      if ((await runningGateway(context)) === null) return exits.ok;
      await new Promise(resolve => setTimeout(resolve, STOP_STEP_MS));
    }
    await print(context.stderr, 'The gateway still finishes deliveries; it will end by itself.');
    return exits.tryLater;
  },
};

const STOP_WAIT_MS = 60_000;
const STOP_STEP_MS = 50;

export const restart: Command = {
  name: 'restart',
  summary: 'read the configuration again, as a whole or not at all',
  help: `restart

As SIGHUP. Courier's makesmtpaccess, makeacceptmailfor, makehosteddomains, makepercentrelay and makealiases do the
same here: the text files are the truth and there is nothing to compile.

Exit status: 0 when the new configuration is in force; 78 when it is wrong (the old one stays); 69 when no gateway runs.`,
  async run(args, context) {
    readArguments({ args: [...args] });
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const running = await context.rooms.running(configuration);
    if (running === null) {
      await print(context.stderr, 'No gateway is running here; the configuration is right.');
      return exits.unavailable;
    }
    const problems = await running.reload();
    for (const problem of problems) await print(context.stderr, problem);
    if (problems.length === 0) await print(context.stdout, 'The new configuration is in force.');
    return problems.length === 0 ? exits.ok : exits.configuration;
  },
};

export const check: Command = {
  name: 'check',
  summary: 'read the configuration and say what is wrong or in force',
  help: `check [--settings]

Says what is wrong with file and line, and what would be right. With --settings: every setting's effective value and
the file it comes from.

Exit status: 0 when the configuration is right; 78 when it is not.`,
  async run(args, context) {
    const { values } = readArguments({ args: [...args], options: { settings: { type: 'boolean' } } });
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    for (const { file, what } of configuration.notices) await print(context.stdout, `${file}: ${what}`);
    if (values.settings === true) {
      for (const { name, value, source } of configuration.settings) await print(context.stdout, `${name} = ${value}   (${source})`);
    }
    await print(context.stdout, `The configuration in ${context.folder} is right.`);
    return exits.ok;
  },
};
