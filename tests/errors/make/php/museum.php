//== src/Collection.php
<?php
namespace Museum;
⟦+⟧

class OnLoan extends \LogicException {}
class Fragile extends \LogicException {}

class Piece
{
    public ?array $origin = null;
    private string $id;
    public function __construct(string $id) { $this->id = $id; }
⟦+⟧
    public function ⟦l=lend|loan|lend⟧(string $to, int $weeks): void
    {
        if ($weeks > 10) throw new OnLoan("piece {$this->id} is with $to for $weeks weeks");
        throw new Fragile("piece {$this->id} must not travel to $to");
    }

    public function country(): string
    {
        return $this->origin["country"]->name;
    }

    public function year(string $text): int
    {
        return (new \DateTime($text))->format("Y");
    }
}
⟦+⟧

class Collection
{
    private array $pieces = [];

    public function oldest(): Piece
    {
        return max($this->pieces);
    }

    public function room(int $n): Piece
    {
        return $this->pieces[$n];
    }

    public function tour(\Iterator $at): string
    {
        return $at->current()->title();
    }

    public function average(array $prices): float
    {
        return array_sum($prices) / count($prices);
    }
}
//== src/Guide.php
<?php
namespace Museum;
⟦+⟧

class Guide
{
    public function send(): void
    {
        (new Piece(\word()))->⟦l=lend|loan|lend⟧(\word(), \number(11, 90));
    }

    public function sendAll(): void
    {
        foreach ([1] as $n) ⟦s=$this->send();|$this->pack();|$this->send();⟧
    }

    private function pack(): void
    {
        $this->send();
    }
⟦+⟧
    public function travel(): void
    {
        (new Piece(\word()))->⟦l=lend|loan|lend⟧(\word(), 1);
    }

    public function origin(): string
    {
        return (new Piece(\word()))->country();
    }

    public function origins(): array
    {
        return array_map(fn($⟦p=piece|p|x⟧) => $this->origin(), [1]);
    }
⟦+⟧
    public function date(): int
    {
        return (new Piece(\word()))->year(\word() . "!");
    }

    public function oldest(): Piece
    {
        return ⟦o=(new Collection())->oldest()|$this->first(new Collection())|(new Collection())->oldest()⟧;
    }

    private function first(Collection $all): Piece
    {
        return $all->oldest();
    }

    public function room(): Piece
    {
        return (new Collection())->room(\number(1, 90));
    }

    public function tour(): string
    {
        return (new Collection())->tour(new \ArrayIterator([]));
    }

    public function insure(): float
    {
        return (new Collection())->average([]);
    }
}
//== run.php
<?php
require "report.php";
require "src/Collection.php";
require "src/Guide.php";

function start(callable $call) { ⟦st=$call();|array_map(fn($x) => $call(), [1]);|(function () use ($call) { $call(); })();⟧ }

$guide = new Museum\Guide();
report("piece-on-loan", fn() => start([$guide, "⟦send|sendAll|sendAll⟧"]));
report("piece-fragile", fn() => start([$guide, "travel"]));
report("piece-without-origin", fn() => start([$guide, "⟦origin|origins|origins⟧"]));
report("date-malformed", fn() => start([$guide, "date"]));
report("collection-empty", fn() => start([$guide, "oldest"]));
report("room-unknown", fn() => start([$guide, "room"]));
report("tour-over", fn() => start([$guide, "tour"]));
report("prices-missing", fn() => start([$guide, "insure"]));
