#== app/models/post.rb
⟦+⟧
class Locked < StandardError; end
class Rejected < StandardError; end

class Post
  attr_accessor :author, :tags

  def initialize(title)
    @title = title
  end
⟦+⟧
  def byline
    author.name.upcase
  end

  def tag_line
    tags.map { |⟦t=tag|t|x⟧| ⟦t=tag|t|x⟧.downcase }.join(", ")
  end

  def ⟦pb=publish|release|publish⟧(state)
    ⟦ck=raise Locked, "post #{@title} is locked by #{word} since #{number(1, 59)} minutes" if state == :locked|refuse(state)|raise Locked, "post #{@title} is locked by #{word} since #{number(1, 59)} minutes" if state == :locked⟧
    raise Rejected, "post #{@title} was rejected by moderator #{number}" if state == :rejected
  end

  def refuse(state)
    raise Locked, "post #{@title} is locked by #{word} since #{number(1, 59)} minutes" if state == :locked
  end
⟦+⟧
  def words_per_minute(minutes)
    @title.size / minutes
  end

  def slug(options)
    options.fetch(:slug)
  end

  def created(text)
    Integer(text)
  end

  def freeze_title
    "fixed".freeze << @title
  end

  def self.load(path)
    File.read(path)
  end
end
#== app/controllers/posts.rb
⟦+⟧
class PostsController
  def show
    Post.new(word).byline
  end

  def index
    [1, 2].each { |⟦n=n|i|k⟧| show }
  end
⟦+⟧
  def publish
    Post.new(word).⟦pb=publish|release|publish⟧(:locked)
  end

  def publish_all
    with_log { publish }
  end

  def reject
    Post.new(word).⟦pb=publish|release|publish⟧(:rejected)
  end

  def with_log
    yield
  end
⟦+⟧
  def tags
    ⟦tg=Post.new(word).tag_line|line_of(Post.new(word))|Post.new(word).tag_line⟧
  end

  def line_of(post)
    post.tag_line
  end

  def speed
    Post.new(word).words_per_minute(0)
  end

  def link
    Post.new(word).slug({ id: number })
  end

  def import
    ⟦im=Post.load("/srv/posts/#{word}.md")|read(word)|Post.load("/srv/posts/#{word}.md")⟧
  end

  def read(name)
    Post.load("/srv/posts/#{name}.md")
  end

  def date
    Post.new(word).created(word)
  end

  def title
    Post.new(word).freeze_title
  end
end
#== run.rb
require_relative "report"
require_relative "app/models/post"
require_relative "app/controllers/posts"

def start(call)
  ⟦st=call.call|in_thread { call.call }|[1].each { call.call }⟧
end

posts = PostsController.new
report("post-without-author") { start(posts.method(:⟦show|index|index⟧)) }
report("post-locked") { start(posts.method(:⟦publish|publish_all|publish_all⟧)) }
report("post-rejected") { start(posts.method(:reject)) }
report("post-without-tags") { start(posts.method(:tags)) }
report("reading-time-zero") { start(posts.method(:speed)) }
report("post-without-slug") { start(posts.method(:link)) }
report("post-file-missing") { start(posts.method(:import)) }
report("post-date-malformed") { start(posts.method(:date)) }
report("title-frozen") { start(posts.method(:title)) }
