/** A post horn in a few strokes. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#b4540a"/><g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"><circle cx="13" cy="18" r="6"/><path d="M5 12h14c4 0 6 3 8-4M19 18c3 0 6 1 8 5"/></g></svg>
`;
