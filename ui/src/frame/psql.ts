/* A statement as a command for a shell: one word in quotes, whatever is in it. */
export function psql_command(statement: string, project: string, host: string): string {
  const shell = (word: string) => "'" + word.replaceAll("'", "'\\''") + "'";
  return `psql "host=${host} port=5432 user=${project} dbname=${project}" -c ${shell(statement.trim())}`;
}
