-- lua5.4 zlib.lua SCRATCH: zlib: its checksum and its streams are those of other programs.
local expect = require "husk.expect"
local ffi = require "husk.ffi"
local tap = require "tap"
local libs = require "libs.libs"
local test, eq, ok = tap.test, tap.eq, tap.ok
local z = libs.load("z")

ffi.cdef [[
  const char *zlibVersion(void);
  unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned int length);
  unsigned long compressBound(unsigned long length);
  int compress2(unsigned char *to, unsigned long *to_length, const unsigned char *from, unsigned long length, int level);
  int uncompress(unsigned char *to, unsigned long *to_length, const unsigned char *from, unsigned long length);
  typedef struct gzFile_s *gzFile;
  gzFile gzopen(const char *path, const char *mode);
  int gzwrite(gzFile file, const void *bytes, unsigned int length);
  int gzclose(gzFile file);
]]
ffi.annotate(z, {gzopen = {result = "full nullable free(gzclose)"}})

-- A real file: the script that this is, and the program that runs it.
local function slurp(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end
local me = slurp(arg[0])
local program = slurp("/proc/self/exe"):sub(1, libs.rounds(1 << 20))

local function deflated(text)
  local room = z.compressBound(#text)
  local to, length = ffi.new("unsigned char[?]", room), ffi.new("unsigned long[1]", room)
  eq(z.compress2(to, length, text, #text, 9), 0)
  return ffi.string(to, length[0])
end

local function inflated(bytes, length)
  local to, got = ffi.new("unsigned char[?]", length), ffi.new("unsigned long[1]", length)
  local status = z.uncompress(to, got, bytes, #bytes)
  return status == 0 and ffi.string(to, got[0]), status
end

test("a file comes back as it was, and was smaller", function()
  for _, text in ipairs {me, program, ("a"):rep(100000)} do
    local small = deflated(text)
    ok(#small < #text)
    ok(inflated(small, #text) == text)
  end
end)

test("what it deflates, python inflates", function()
  local path = libs.write("me.z", deflated(me))
  local out = libs.run(([[python3 -c "import zlib,sys; sys.stdout.buffer.write(zlib.decompress(open('%s','rb').read()))"]])
    :format(path))
  ok(out == me)
end)

test("its checksum is the one that gzip writes and lists", function()
  local function crc(text) return z.crc32(0, text, #text) end
  eq(crc("123456789"), 0xcbf43926)
  for i, text in ipairs {me, program} do
    local path = libs.write("file" .. i, text)
    local listed = libs.run(("gzip -kf '%s' && gzip -lv '%s.gz'"):format(path, path))
    eq(("%08x"):format(crc(text)), listed:match("\ndefla%w* +(%x+) "))
  end
end)

test("a stream that it writes, gzip reads", function()
  local path = libs.scratch .. "/written.gz"
  local file = z.gzopen(path, "wb9")
  eq(z.gzwrite(file, me, #me), #me)
  file:close()
  ok(libs.run(("gzip -dc '%s'"):format(path)) == me)
  eq(z.gzopen(libs.scratch .. "/none/none.gz", "rb"), nil)
end)

test("a damaged stream is an error, and nothing else", function()
  local small = deflated(me)
  for at = 1, #small, libs.rounds(20) == 1 and 97 or 7 do
    local bad = small:sub(1, at - 1) .. string.char(small:byte(at) ~ 0x55) .. small:sub(at + 1)
    local text, status = inflated(bad, #me)
    ok(text ~= me and (status == -3 or status == -5), status)
  end
end)

test("ten thousand streams leave nothing; a stream that nobody ends is seen in the native heap", function()
  local text = me:sub(1, 500)
  expect.no_growth(function() inflated(deflated(text), #text) end, {rounds = libs.rounds(2500)})
  local kept = {}
  local grown = libs.native_growth(20, function() kept[#kept + 1] = ffi.gc(z.gzopen("/dev/null", "wb"), nil) end)
  ok(not libs.native() or grown > 100, ("%.1f bytes a round"):format(grown))
  for _, file in ipairs(kept) do eq(z.gzclose(file), 0) end
end)

tap.done()
