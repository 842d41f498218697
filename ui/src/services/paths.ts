/* Addresses of the REST API. */
export const project_api = (project: string, rest: string): string => `/projects/${encodeURIComponent(project)}/${rest}`;
