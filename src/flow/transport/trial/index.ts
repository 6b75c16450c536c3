/**
 * Takes mail for the trial domains of a box that is being tried; gives the fate that the address asks for.
 * Never configured by default outside `posthorn init --embedded`.
 */
export { createTrialTransport, type TrialOptions } from './trial-transport.ts';
