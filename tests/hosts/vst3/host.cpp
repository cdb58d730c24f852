// Runs all of Steinberg's VST3 tests on one plugin, as the validator of the VST3 SDK does.
//
//     vst3-tests Undertone.vst3            every round; exit code 1 if any test fails, 2 if it cannot be tried
//
// The tests are the SDK's own (see suite.cpp). Which of them there are, and over which sizes, arrangements and rates
// of automation, is what the validator runs when it is asked for the extensive tests, and four more that it has and
// does not use. Four rounds: one instance for all tests; a new one for each test; one beside others that are active at
// the same time; and one that has consent, beside another that has it too, so that the models are loaded and the
// engine listens to what the tests play. This program must never judge by itself: a test passes or fails as the SDK
// says.

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "public.sdk/source/common/memorystream.h"
#include "public.sdk/source/vst/hosting/hostclasses.h"
#include "public.sdk/source/vst/hosting/plugprovider.h"
#include "public.sdk/source/vst/testsuite/vststructsizecheck.h"
#include "public.sdk/source/vst/testsuite/vsttestsuite.h"
#include "public.sdk/source/vst/utility/stringconvert.h"

#include "pluginterfaces/base/iplugincompatibility.h"

using namespace Steinberg;
using namespace Steinberg::Vst;
using VST3::Hosting::ClassInfo;
using VST3::Hosting::Module;

namespace {

// What a test says while it runs. Kept back, and shown only where it helps: most tests say many lines.
class Said : public U::ImplementsNonDestroyable<U::Directly<ITestResult>> {
public:
    void PLUGIN_API addErrorMessage(const tchar* text) override {
        lines.push_back("    error: " + Vst::StringConvert::convert(text));
    }
    void PLUGIN_API addMessage(const tchar* text) override {
        lines.push_back("    " + Vst::StringConvert::convert(text));
    }
    std::vector<std::string> lines;
};

struct Case {
    std::string group;
    std::function<IPtr<ITest>(ITestPlugProvider*)> make;
};

template <typename Test, typename... Values>
Case one(const std::string& group, Values... values) {
    return {group, [=](ITestPlugProvider* provider) -> IPtr<ITest> {
                return owned(static_cast<ITest*>(new Test(provider, values...)));
            }};
}

// Every arrangement that the validator plays to every other.
const std::vector<SpeakerArrangement> ARRANGEMENTS = {
    SpeakerArr::kMono,       SpeakerArr::kStereo,     SpeakerArr::kStereoSurround, SpeakerArr::kStereoCenter,
    SpeakerArr::kStereoSide, SpeakerArr::kStereoCLfe, SpeakerArr::k30Cine,         SpeakerArr::k30Music,
    SpeakerArr::k31Cine,     SpeakerArr::k31Music,    SpeakerArr::k40Cine,         SpeakerArr::k40Music,
    SpeakerArr::k41Cine,     SpeakerArr::k41Music,    SpeakerArr::k50,
};

void general(std::vector<Case>& all) {
    const std::string group = "general";
    all.insert(all.end(), {
        one<EditorClassesTest>(group),
        one<ScanBussesTest>(group),
        one<ScanParametersTest>(group),
        one<MidiMappingTest>(group),
        one<MidiLearnTest>(group),
        one<UnitInfoTest>(group),
        one<ProgramInfoTest>(group),
        one<TerminateInitializeTest>(group),
        one<UnitStructureTest>(group),
        one<ValidStateTransitionTest>(group, kSample32),
        one<ValidStateTransitionTest>(group, kSample64),
        one<BusConsistencyTest>(group),
        one<BusActivationTest>(group),
        one<CheckAudioBusArrangementTest>(group),
        one<SideChainArrangementTest>(group),
        one<SuspendResumeTest>(group, kSample32),
        one<NoteExpressionTest>(group),
        one<KeyswitchTest>(group),
        one<ProcessContextRequirementsTest>(group),
        // These the validator does not run.
        one<ParameterFunctionNameTest>(group),
        one<BusInvalidIndexTest>(group),
    });
}

void processing(std::vector<Case>& all, const std::string& group, ProcessSampleSize size) {
    all.insert(all.end(), {
        one<ProcessTest>(group, size),
        one<ProcessThreadTest>(group, size),
        one<SilenceFlagsTest>(group, size),
        one<SilenceProcessingTest>(group, size),
        one<FlushParamTest>(group, size),
        one<FlushParamTest2>(group, size),
        one<FlushParamTest3>(group, size),
        one<VariableBlockSizeTest>(group, size),
        one<ProcessFormatTest>(group, size),
        one<BypassPersistenceTest>(group, size),
        // These the validator does not run.
        one<ProcessTailTest>(group, size),
        one<ProcessInputOverwritingTest>(group, size),
    });
    for (auto in : ARRANGEMENTS)
        for (auto out : ARRANGEMENTS)
            all.push_back(one<SpeakerArrangementTest>(group, size, in, out));
    for (int32 parameters : {1, 2, 10, -1})
        for (int32 every : {100, 50, 1})
            for (bool accurate : {false, true})
                all.push_back(one<AutomationTest>(group, size, every, parameters, accurate));
}

std::vector<Case> all_cases() {
    std::vector<Case> all;
    general(all);
    processing(all, "32 bit", kSample32);
    processing(all, "64 bit", kSample64);
    return all;
}

struct Count {
    int passed = 0;
    int failed = 0;
};

// One test; what it said is shown if it failed, or if `UNDERTONE_VERBOSE` is set.
bool passes(const Case& one, ITestPlugProvider* provider, bool verbose) {
    auto test = one.make(provider);
    const std::string name = static_cast<TestBase*>(test.get())->getName();
    Said said;
    bool good = false;
    if (test->setup())
        good = test->run(&said);
    else
        said.lines.push_back("    error: the test could not be set up");
    if (!test->teardown()) {
        said.lines.push_back("    error: the test could not be taken down");
        good = false;
    }
    if (!good || verbose) {
        std::cout << "  [" << one.group << "] " << name << ": " << (good ? "passed" : "FAILED") << "\n";
        for (const auto& line : said.lines)
            std::cout << line << "\n";
    }
    return good;
}

// A project in which the user has agreed, in the form that the plugin saves.
const std::string CONSENT = R"({"version":"0.1.0","params":{"bypass":{"bool":false}},"fields":{"panel":)"
                            R"("{\"form\":1,\"settings\":{\"consent\":true},\"window\":[900.0,600.0]}"}})";

// Gives the plugin that project, and looks whether it has understood it.
bool give_consent(PlugProvider& provider) {
    auto component = provider.getComponentPtr();
    MemoryStream project(const_cast<char*>(CONSENT.data()), static_cast<TSize>(CONSENT.size()));
    if (component->setState(&project) != kResultOk)
        return false;
    MemoryStream saved;
    if (component->getState(&saved) != kResultOk)
        return false;
    const std::string text(saved.getData(), saved.getSize());
    return text.find(R"(\"consent\":true)") != std::string::npos;
}

using Providers = std::vector<IPtr<PlugProvider>>;

struct Round {
    const char* name;
    bool one_for_all;
    int others;
    bool consent;
};

const Round ROUNDS[] = {
    {"one instance for all tests", true, 0, false},
    {"a new instance for each test", false, 0, false},
    {"one instance beside four that are active", true, 4, false},
    {"one instance that listens, beside another", true, 1, true},
};

// How long models may take until they are in memory.
constexpr auto LOADING = std::chrono::seconds(3);

// Puts instances beside the one that is tested, and switches them on.
bool accompany(const Round& round, const Module::Ptr& module, const ClassInfo& plugin, Providers& others) {
    for (int number = 0; number < round.others; number++) {
        auto other = owned(new PlugProvider(module->getFactory(), plugin, true));
        if (!other->initialize() || (round.consent && !give_consent(*other)))
            return false;
        auto component = other->getComponentPtr();
        auto processor = U::cast<IAudioProcessor>(component);
        ProcessSetup setup{kRealtime, kSample32, 512, 48'000.0};
        if (!processor || processor->setupProcessing(setup) != kResultOk || component->setActive(true) != kResultOk)
            return false;
        others.push_back(other);
    }
    if (round.consent)
        std::this_thread::sleep_for(LOADING);
    return true;
}

Count play(const Round& round, const Module::Ptr& module, const ClassInfo& plugin, bool verbose) {
    std::cout << round.name << "\n";
    Count count;
    Providers others;
    auto provider = owned(new PlugProvider(module->getFactory(), plugin, round.one_for_all));
    if (!accompany(round, module, plugin, others) || !provider->initialize() ||
        (round.consent && !give_consent(*provider))) {
        std::cout << "  the instances of this round could not be made\n";
        count.failed++;
        return count;
    }
    for (const auto& one : all_cases())
        (passes(one, provider, verbose) ? count.passed : count.failed)++;
    for (const auto& other : others)
        other->getComponentPtr()->setActive(false);
    std::cout << "  " << count.passed << " passed, " << count.failed << " failed\n";
    return count;
}

} // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::cerr << "usage: " << words[0] << " PLUGIN.vst3\n";
        return 2;
    }
    const bool verbose = std::getenv("UNDERTONE_VERBOSE") != nullptr;
    HostApplication host;
    PluginContextFactory::instance().setPluginContext(&host);
    TestingPluginContext::set(&host);

    std::string error;
    auto module = Module::create(words[1], error);
    if (!module) {
        std::cerr << words[1] << " cannot be loaded: " << error << "\n";
        return 2;
    }
    Count sum;
    int plugins = 0;
    for (const auto& plugin : module->getFactory().classInfos()) {
        if (plugin.category() == kPluginCompatibilityClass) {
            std::cout << "the factory has a class for compatibility, which nothing here checks\n";
            sum.failed++;
        }
        if (plugin.category() != kVstAudioEffectClass)
            continue;
        plugins++;
        std::cout << plugin.name() << " " << plugin.version() << ", tested by " << SDKVersionString << "\n";
        for (const auto& round : ROUNDS) {
            auto part = play(round, module, plugin, verbose);
            sum.passed += part.passed;
            sum.failed += part.failed;
        }
    }
    if (plugins == 0) {
        std::cerr << words[1] << " holds no plugin\n";
        return 2;
    }
    std::cout << sum.passed << " tests passed, " << sum.failed << " failed\n";
    return sum.failed == 0 ? 0 : 1;
}
