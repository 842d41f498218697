export default function View({ rest }: { rest: string }) {
  return <div>{rest}</div>;
}
