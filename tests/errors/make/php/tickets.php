//== src/Seats.php
<?php
namespace App;
⟦+⟧

class SoldOut extends \RuntimeException {}
class TooYoung extends \RuntimeException {}

class Seats
{
    private array $rows = [];
    public ?Hall $hall = null;
⟦+⟧
    public function ⟦r=reserve|hold|reserve⟧(int $count, int $free): void
    {
        if ($count > $free) throw new SoldOut("only $free seats are free, $count were asked for");
    }

    public function row(string $name): array
    {
        return $this->rows[$name];
    }

    public function hallName(): string
    {
        return $this->hall->name();
    }

    public function share(int $people): int
    {
        return intdiv(100, $people);
    }
⟦+⟧
    public function price(int $cents): string
    {
        return number_format($cents / 100, 2);
    }

    public function admit(int $age, int $from): void
    {
        if ($age < $from) throw new TooYoung("visitor is $age years old, the show is from $from");
    }
}
//== src/Desk.php
<?php
namespace App;
⟦+⟧

class Desk
{
    public function buy(): void
    {
        (new Seats())->⟦r=reserve|hold|reserve⟧(\number(20, 90), \number(1, 9));
    }

    public function group(): void
    {
        array_map(function ($⟦n=n|i|k⟧) { ⟦b=$this->buy();|$this->once();|$this->buy();⟧ }, [1]);
    }

    private function once(): void
    {
        $this->buy();
    }
⟦+⟧
    public function plan(): array
    {
        return ⟦p=(new Seats())->row(\word())|$this->find(\word())|(new Seats())->row(\word())⟧;
    }

    private function find(string $name): array
    {
        return (new Seats())->row($name);
    }

    public function poster(): string
    {
        return (new Seats())->hallName();
    }

    public function posters(): array
    {
        return array_map(fn($⟦n=n|i|k⟧) => $this->poster(), [1]);
    }
⟦+⟧
    public function split(): int
    {
        return (new Seats())->share(0);
    }

    public function price(): string
    {
        return (new Seats())->price(\word());
    }

    public function enter(): void
    {
        (new Seats())->admit(\number(5, 11), \number(12, 18));
    }

    public function load(): array
    {
        return json_decode("{" . \word(), true, 512, JSON_THROW_ON_ERROR);
    }

    public function import(): string
    {
        try {
            return file_get_contents("/srv/shows/" . \word() . ".csv");
        } catch (\Throwable $e) {
            throw new \DomainException("show " . \ident() . " cannot be imported", 0, $e);
        }
    }
}
//== run.php
<?php
require "report.php";
require "src/Seats.php";
require "src/Desk.php";

function start(callable $call) { ⟦st=$call();|array_map(fn($x) => $call(), [1]);|(function () use ($call) { $call(); })();⟧ }

$desk = new App\Desk();
report("sold-out", fn() => start([$desk, "⟦buy|group|group⟧"]));
report("row-unknown", fn() => start([$desk, "plan"]));
report("show-without-hall", fn() => start([$desk, "⟦poster|posters|posters⟧"]));
report("split-by-nobody", fn() => start([$desk, "split"]));
report("price-not-a-number", fn() => start([$desk, "price"]));
report("visitor-too-young", fn() => start([$desk, "enter"]));
report("show-not-json", fn() => start([$desk, "load"]));
report("show-file-missing", fn() => start([$desk, "import"]));
