# Puts Undertone's plugins where hosts of this user look, or takes them away again. Windows.
#
#     .\install.ps1             copies Undertone.clap and Undertone.vst3 from this folder
#     .\install.ps1 -WhatIf     says what it would do
#     .\install.ps1 -Uninstall  removes both; projects that use them stay as they are
#
# It writes to your own profile only, needs no administrator, downloads nothing and starts nothing. Hosts that do
# not look there can be told the folder, or the plugins copied to "$env:COMMONPROGRAMFILES\CLAP" and "\VST3".
[CmdletBinding(SupportsShouldProcess)]
param([switch]$Uninstall)

$ErrorActionPreference = 'Stop'
$common = Join-Path $env:LOCALAPPDATA 'Programs\Common'
$places = [ordered]@{
    'Undertone.clap' = Join-Path $common 'CLAP'
    'Undertone.vst3' = Join-Path $common 'VST3'
}

foreach ($name in $places.Keys) {
    $folder = $places[$name]
    $to = Join-Path $folder $name
    if ($Uninstall) {
        if (Test-Path $to) {
            if ($PSCmdlet.ShouldProcess($to, 'Remove')) { Remove-Item $to -Recurse -Force }
            Write-Output "removed $to"
        } else {
            Write-Output "$to is not there"
        }
        continue
    }
    $from = Join-Path $PSScriptRoot $name
    if (-not (Test-Path $from)) {
        throw "$from is not there; run this script from the folder that 'cargo xtask bundle' made"
    }
    if ($PSCmdlet.ShouldProcess($to, 'Install')) {
        New-Item -ItemType Directory -Force $folder | Out-Null
        # A host that is running holds the old one; it says so here instead of leaving half of the new one.
        if (Test-Path $to) { Remove-Item $to -Recurse -Force }
        Copy-Item $from $to -Recurse
        Write-Output "installed $to"
    }
}
if (-not $Uninstall) { Write-Output 'A host that is running finds them after a rescan.' }
