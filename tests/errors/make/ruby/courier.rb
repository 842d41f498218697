#== lib/courier/parcel.rb
module Courier
⟦+⟧
  class TooHeavy < ArgumentError; end
  class NoRoute < StandardError; end

  Parcel = Struct.new(:id, :weight, :stops)
⟦+⟧
  class Router
    def initialize(map)
      @map = map
    end

    def ⟦r=route|path|route⟧(from, to)
      raise NoRoute, "no way from #{from} to #{to}" unless @map.key?(to)
      @map[to]
    end

    def cost(parcel)
      parcel.weight * 1.5
    end

    def first_stop(parcel)
      parcel.stops.first.street
    end

    def check(parcel, max)
      raise TooHeavy, "parcel #{parcel.id} weighs #{parcel.weight} kg, the van takes #{max} kg" if parcel.weight > max
    end
  end
⟦+⟧
  def self.eta(text)
    require "time"
    Time.iso8601(text)
  end

  def self.parse(text)
    require "json"
    JSON.parse(text)
  end

  def self.label(parcel)
    parcel.barcode
  end

  def self.window(from, to)
    ("a".ord + from).chr + [1, 2].first(to).to_s
  end
end
#== lib/courier/van.rb
module Courier
⟦+⟧
  class Van
    def plan
      Router.new({}).⟦r=route|path|route⟧(word, word)
    end

    def plan_day
      3.times { |⟦d=day|d|n⟧| plan }
    end
⟦+⟧
    def bill
      Router.new({}).cost(Parcel.new(ident, nil, []))
    end

    def bill_all
      [1].map { |⟦d=day|d|n⟧| bill }
    end

    def stop
      ⟦s=Router.new({}).first_stop(Parcel.new(ident, 1, []))|next_stop(Parcel.new(ident, 1, []))|Router.new({}).first_stop(Parcel.new(ident, 1, []))⟧
    end

    def next_stop(parcel)
      Router.new({}).first_stop(parcel)
    end

    def load
      Router.new({}).check(Parcel.new(ident, number(50, 900), []), number(10, 40))
    end
⟦+⟧
    def load_all
      guard { load }
    end

    def guard
      yield
    end

    def arrive
      Courier.eta(word)
    end

    def scan
      Courier.parse("{#{word}")
    end

    def sticker
      Courier.label(Parcel.new(ident, 1, []))
    end

    def slot
      Courier.window(1, -number(1, 9))
    end
  end
end
#== run.rb
require_relative "report"
require_relative "lib/courier/parcel"
require_relative "lib/courier/van"

def start(call)
  ⟦st=call.call|in_thread { call.call }|[1].each { call.call }⟧
end

van = Courier::Van.new
report("no-route") { start(van.method(:⟦plan|plan_day|plan_day⟧)) }
report("parcel-without-weight") { start(van.method(:⟦bill|bill_all|bill_all⟧)) }
report("parcel-without-stops") { start(van.method(:stop)) }
report("parcel-too-heavy") { start(van.method(:⟦load|load_all|load_all⟧)) }
report("arrival-malformed") { start(van.method(:arrive)) }
report("scan-not-json") { start(van.method(:scan)) }
report("label-without-barcode") { start(van.method(:sticker)) }
report("window-negative") { start(van.method(:slot)) }
