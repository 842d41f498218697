# What OpenTelemetry's SDK for Ruby records of what a block raises; values that differ from run to run.
require "json"

RUN = Random.new((ENV["SEED"] || "0").to_i)
WORDS = %w[amber birch cobalt delta ember fjord garnet hazel indigo juniper kelp lilac maple nectar onyx pine quartz].freeze

def number(low = 1, high = 99_999) = RUN.rand(low..high)
def word = WORDS[RUN.rand(WORDS.size)] + number(1, 99).to_s
def ident = Array.new(32) { RUN.rand(16).to_s(16) }.join

def report(defect)
  yield
rescue Exception => e
  puts JSON.generate({ defect: defect, type: e.class.to_s, message: e.message.lines.first.to_s.strip,
                       stacktrace: e.full_message(highlight: false, order: :top).encode("UTF-8", invalid: :replace, undef: :replace, replace: "?") })
else
  abort "defect #{defect} raised nothing"
end

def in_thread(&block)
  thread = Thread.new(&block)
  thread.report_on_exception = false
  thread.join
end
