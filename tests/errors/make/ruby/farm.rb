#== lib/farm/herd.rb
⟦+⟧
class Quarantined < StandardError; end
class Unfit < StandardError; end

class Animal
  attr_reader :tag, :mother, :weights

  def initialize(tag)
    @tag = tag
    @weights = {}
  end
⟦+⟧
  def line
    mother.tag
  end

  def latest_weight
    weights.values.max.round(1)
  end

  def ⟦mv=move|transfer|move⟧(field)
    raise Quarantined, "animal #{tag} may not leave field #{field} before day #{number(2, 30)}" if field.odd?
    raise Unfit, "animal #{tag} is not fit for field #{field}"
  end
end
⟦+⟧
class Herd
  def find(animals, tag)
    animals.detect { |⟦a=animal|a|x⟧| ⟦a=animal|a|x⟧.tag == tag }.line
  end

  def ration(kilos, animals)
    kilos.fdiv(animals).floor
  end

  def barn(config)
    config[:barns][:north][:doors]
  end

  def read_chip(bytes)
    bytes.unpack1("q>").chr
  end

  def yield_of(rows)
    rows.sum { |⟦a=animal|a|x⟧| Float(⟦a=animal|a|x⟧) }
  end

  def pair(a, b) = a <=> b

  def best(list)
    list.sort.first
  end
end
#== lib/farm/day.rb
⟦+⟧
class Day
  def initialize
    @herd = Herd.new
  end

  def morning
    Animal.new(word).line
  end

  def walk
    [1].each { |⟦n=n|i|k⟧| ⟦w=morning|look|morning⟧ }
  end

  def look
    morning
  end
⟦+⟧
  def weigh
    Animal.new(word).latest_weight
  end

  def move
    Animal.new(word).⟦mv=move|transfer|move⟧(1 + 2 * number(1, 40))
  end

  def move_all
    log { move }
  end

  def sell
    Animal.new(word).⟦mv=move|transfer|move⟧(2 * number(1, 40))
  end

  def log
    yield
  end
⟦+⟧
  def feed
    @herd.ration(number, 0)
  end

  def doors
    ⟦do=@herd.barn({ barns: {} })|open_doors({ barns: {} })|@herd.barn({ barns: {} })⟧
  end

  def open_doors(config)
    @herd.barn(config)
  end

  def chip
    @herd.read_chip("\x7f\xff\xff\xff\xff\xff\xff\xff")
  end

  def milk
    @herd.yield_of([word])
  end

  def show
    @herd.best([1, word])
  end
end
#== run.rb
require_relative "report"
require_relative "lib/farm/herd"
require_relative "lib/farm/day"

def start(call)
  ⟦st=call.call|in_thread { call.call }|[1].each { call.call }⟧
end

day = Day.new
report("animal-without-mother") { start(day.method(:⟦morning|walk|walk⟧)) }
report("animal-never-weighed") { start(day.method(:weigh)) }
report("animal-quarantined") { start(day.method(:⟦move|move_all|move_all⟧)) }
report("animal-unfit") { start(day.method(:sell)) }
report("ration-for-nobody") { start(day.method(:feed)) }
report("barn-unknown") { start(day.method(:doors)) }
report("chip-out-of-range") { start(day.method(:chip)) }
report("milk-not-a-number") { start(day.method(:milk)) }
report("show-of-unlike") { start(day.method(:show)) }
