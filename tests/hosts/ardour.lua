-- Ardour without a window: `first` only lets Ardour make its own folders, without which it forgets what is scanned;
-- `make` inserts Undertone on a track, plays, saves; `reopen` opens that session again. `lay` inserts it and records
-- as long a silence as UNDERTONE_SECONDS says, for the test to write a voice into; `record` plays that and records
-- the plugin's MIDI output on a track of its own.
--
--     ardour7-lua ardour.lua        with UNDERTONE_PHASE=... and UNDERTONE_SESSION=FOLDER
--
-- Prints what it finds as `name value` lines; the test that runs it compares them. Needs the plugin to be known
-- to Ardour already (ardour-vst3-scanner). The sound is the dummy backend's own; nothing is heard anywhere.

local phase = os.getenv("UNDERTONE_PHASE")
local folder = os.getenv("UNDERTONE_SESSION")

if phase == "first" then
  print("done first")
  quit()
  return
end

local function fail(why)
  print("failed " .. why)
  os.exit(1)
end

local backend = AudioEngine:set_backend("None (Dummy)", "undertone", "")
if not backend or backend:isnil() then fail("no dummy backend") end

if phase == "lay" then backend:set_device_name("Silence") end
local makes = phase == "make" or phase == "lay"
local session
if makes then
  session = create_session(folder, "journey", 48000)
else
  session = load_session(folder, "journey")
end
if not session then fail("no session") end

local track
if makes then
  local tracks = session:new_audio_track(1, 2, nil, 1, "voice", ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true)
  for one in tracks:iter() do track = one end
  local plugin = ARDOUR.LuaAPI.new_plugin(session, "Undertone", ARDOUR.PluginType.VST3, "")
  if not plugin or plugin:isnil() then fail("Ardour does not know the plugin") end
  if track:add_processor_by_index(plugin, 0, nil, true) ~= 0 then fail("the plugin was refused") end
else
  for one in session:get_tracks():iter() do
    if one:name() == "voice" then track = one end
  end
end
if not track then fail("no track") end
local processor = track:nth_plugin(0)
if not processor or processor:isnil() then fail("the track has no plugin") end

local function arm(which, on)
  which:rec_enable_control():set_value(on and 1 or 0, PBD.GroupControlDisposition.NoGroup)
  ARDOUR.LuaAPI.usleep(300000)
end

-- Records from the start on what is armed.
local function take()
  session:goto_start()
  ARDOUR.LuaAPI.usleep(300000)
  session:maybe_enable_record(false)
  session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
  ARDOUR.LuaAPI.usleep(math.floor(tonumber(os.getenv("UNDERTONE_SECONDS")) * 1000000))
  session:disable_record(false, false)
  session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
  ARDOUR.LuaAPI.usleep(500000)
end

local function leave()
  session:save_state("")
  close_session()
  print("done " .. phase)
  quit()
end

if phase == "lay" then
  arm(track, true)
  take()
  arm(track, false)
  leave()
  return
end

if phase == "record" then
  local one_port = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
  local made = session:new_midi_track(one_port, one_port, true, ARDOUR.PluginInfo(), nil, nil, 1, "recorder",
    ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  local recorder
  for one in made:iter() do recorder = one end
  local into = recorder:input():midi(0)
  recorder:input():disconnect_all(nil)
  if into:connect(track:output():midi(0):name()) ~= 0 then fail("the plugin's MIDI cannot be routed") end
  arm(recorder, true)
  -- Until the models are loaded.
  ARDOUR.LuaAPI.usleep(4000000)
  take()
  leave()
  return
end

local insert = processor:to_insert()
if phase == "make" then
  ARDOUR.LuaAPI.set_processor_param(processor, 0, 1.0)
  ARDOUR.LuaAPI.set_processor_param(processor, 1, 0.25)
end
print("active " .. tostring(processor:active()))
print("latency " .. tostring(processor:signal_latency()))

session:goto_start()
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(2000000)
print("rolled " .. tostring(session:transport_sample() > 0 or session:transport_rolling()))
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(200000)

local plugin = insert:plugin(0)
print("parameters " .. plugin:parameter_count())
for at = 0, plugin:parameter_count() - 1 do
  local _, described = plugin:get_parameter_descriptor(at, ARDOUR.ParameterDescriptor())
  local value = ARDOUR.LuaAPI.get_processor_param(processor, at)
  print(string.format("value %d %s %s", at, described[2] and described[2].label or "?", tostring(value)))
end
leave()
