{{- define "mlrollout.chartName" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "mlrollout.name" -}}
{{- $chart := include "mlrollout.chartName" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* A name with an ending, of 63 characters at most: (list $ "metrics"). */ -}}
{{- define "mlrollout.nameOf" -}}
{{- $ending := index . 1 -}}
{{- $most := int (sub 62 (len $ending)) -}}
{{- printf "%s-%s" (include "mlrollout.name" (index . 0) | trunc $most | trimSuffix "-") $ending -}}
{{- end -}}

{{- /* What is of no namespace. Releases that look after one namespace each may have the same name. */ -}}
{{- define "mlrollout.clusterName" -}}
{{- if .Values.watchNamespace -}}
{{- printf "%s-%s" (include "mlrollout.name" .) .Release.Namespace -}}
{{- else -}}
{{- include "mlrollout.name" . -}}
{{- end -}}
{{- end -}}

{{- /* A name where it may be put beside that of a release of the same name: (list $ name namespace), empty for the release's own. */ -}}
{{- define "mlrollout.nameIn" -}}
{{- $own := (index . 0).Release.Namespace -}}
{{- if index . 2 | default $own | eq $own -}}
{{- index . 1 -}}
{{- else -}}
{{- printf "%s-%s" (index . 1) $own -}}
{{- end -}}
{{- end -}}

{{- /* The server's pods have a name of their own: the operator's selector can't be changed any more. */ -}}
{{- define "mlrollout.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "mlrollout.chartName" $root }}{{ if eq (index . 1) "server" }}-server{{ end }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end -}}

{{- /* Labels of everything: (list $ "operator") or (list $ "server"). */ -}}
{{- define "mlrollout.labels" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.commonLabels }}{{ toYaml . }}
{{ end -}}
{{ include "mlrollout.selector" . }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: mlrollout
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{- /* The metadata of everything: (dict "root" $ "component" "operator" "name" … "namespace" … "labels" … "annotations" …);
       what is of no namespace has no `namespace`. */ -}}
{{- define "mlrollout.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- $labels := include "mlrollout.labels" (list .root .component) | fromYaml }}
  {{- toYaml (merge (deepCopy (.labels | default dict)) $labels) | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "mlrollout.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "mlrollout.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "mlrollout.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "mlrollout.serverAccount" -}}
{{- with .Values.server.serviceAccount -}}
{{- if .create -}}
{{- .name | default (include "mlrollout.nameOf" (list $ "server")) -}}
{{- else -}}
{{- .name | default "default" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Who is meant by a binding: (list $ account). */ -}}
{{- define "mlrollout.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
{{- end -}}

{{- /* The Lease is called after the namespace that is watched, as in api/lease.py. */ -}}
{{- define "mlrollout.lease" -}}
mlrollout{{ with .Values.watchNamespace }}-{{ . }}{{ end }}
{{- end -}}

{{- /* Whether the server has objects to move, or to show: only then it needs the API server. */ -}}
{{- define "mlrollout.serverHasObjects" -}}
{{- if kindIs "slice" .Values.server.config.rollouts }}
{{- range .Values.server.config.rollouts }}{{ if kindIs "map" . }}{{ if .object }}true{{ end }}{{ end }}{{ end }}
{{- end -}}
{{- include "mlrollout.serverHasDashboard" . -}}
{{- end -}}

{{- /* Whether the server has the live dashboard. */ -}}
{{- define "mlrollout.serverHasDashboard" -}}
{{- if or (hasKey .Values.server.config "dashboard") .Values.server.dashboard.existingSecret }}true{{ end -}}
{{- end -}}

{{- /* Whether a text is a range of IP addresses, or one of them, as the operator reads it. */ -}}
{{- define "mlrollout.isNetwork" -}}
{{- $number := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- $groups := "([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,6})?" -}}
{{- $address := splitList "/" . | first -}}
{{- if regexMatch (printf "^%s(\\.%s){3}(/([0-9]|[12][0-9]|3[0-2]))?$" $number $number) . -}}
true
{{- else if regexMatch "^[^/]+(/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?$" . -}}
{{- if regexMatch "^([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$" $address -}}
true
{{- else if and (regexMatch (printf "^%s::%s$" $groups $groups) $address) (le (len (regexFindAll "[0-9A-Fa-f]+" $address -1)) 7) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The range of IPv4 addresses that a text is meant for; any other text as it stands. */ -}}
{{- define "mlrollout.network" -}}
{{- $parts := splitList "/" . -}}
{{- if or (contains ":" .) (eq (len $parts) 1) -}}
{{- . -}}
{{- else -}}
{{- $number := 0 -}}
{{- range splitList "." (first $parts) -}}
{{- $number = add (mul $number 256) (int .) -}}
{{- end -}}
{{- $size := 1 -}}
{{- range until (int (sub 32 (int (last $parts)))) -}}
{{- $size = mul $size 2 -}}
{{- end -}}
{{- $number = sub $number (mod $number $size) -}}
{{- printf "%d.%d.%d.%d/%s" (div $number 16777216) (mod (div $number 65536) 256) (mod (div $number 256) 256) (mod $number 256) (last $parts) -}}
{{- end -}}
{{- end -}}
